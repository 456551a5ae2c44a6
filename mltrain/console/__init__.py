"""The terminal: tables and JSON of result records, progress, the error boundary, the crash log.

Nothing below this package prints. Rich is imported only where something is drawn.
"""
