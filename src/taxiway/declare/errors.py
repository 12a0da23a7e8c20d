"""The one error of a declaration: what is wrong, where it was declared, and what to do."""


class DeclarationError(Exception):
    """A mistake in the declaration, found when it is read and before anything starts.

    `problem` says what is wrong and `fix` what to do; `where` is the `file:line` of the declaration or the name of the
    stage file.
    """

    def __init__(self, problem: str, *, fix: str, where: str = "") -> None:
        self.problem = problem
        self.fix = fix
        self.where = where
        super().__init__("\n".join(filter(None, [where and f"{where}:", problem, f"Fix: {fix}"])))
