"""What a thing that a declaration names is called in the CDK's tree of constructs."""


def construct_id(name: str) -> str:
    """What something that a declaration names is called in the CDK's tree, where `/` parts one from the next.

    `Default` is the CDK's word for the one that all beside it is about, and it builds no tree that has a `Resource`
    beside that; neither a function's name nor a secret's id has a `|`.
    """
    return "Default|" if name == "Default" else name.replace("/", "|")
