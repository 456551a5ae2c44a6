"""One story and one result record a command; `run` alone calls the others. Nothing here prints."""
