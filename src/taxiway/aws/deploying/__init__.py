"""A stage on AWS: the account, uploads, change sets, their steps, progress and outcomes."""
