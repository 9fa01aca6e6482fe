"""The command line: one file a command, which parses, calls, prints and returns an exit code.

No logic here: what a command does is runs/, what it prints is report/. An exception becomes an exit code in
`main.py`, by the table of simulator/entry.py.
"""
