"""mltrain against its peers: same rows, same cores, same seconds, side by side."""
