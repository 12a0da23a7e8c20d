"""Local development: the whole backend as AWS would run it, in processes of this machine."""
