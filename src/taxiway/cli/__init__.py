"""The `taxiway` command: a module for each of its commands, which is imported when that one is asked for."""
