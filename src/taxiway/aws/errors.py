"""The error of every command that works on AWS: what is wrong, and what to do."""


class AwsError(Exception):
    """AWS can't do what is asked, or must not. The message says what is wrong, and after `Fix:` what to do."""

    def __init__(self, problem: str, *, fix: str) -> None:
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem}\nFix: {fix}")
