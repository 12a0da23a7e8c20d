"""The Python that functions run on at AWS."""

PYTHON = "3.14"
"""The newest version that is not a preview: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

RUNTIME = f"python{PYTHON}"
"""Lambda's own name of it."""
