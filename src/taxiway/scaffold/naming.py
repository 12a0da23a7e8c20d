"""Names that follow from a name: of modules, functions and paths, singular and plural."""

import re


def snake(pascal: str) -> str:
    """`OrderLine` → `order_line`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", pascal).lower()


def pascal(text: str) -> str:
    """`order_line` → `OrderLine`."""
    return "".join(word.capitalize() for word in re.split(r"[_\W]+", text))


def plural(word: str) -> str:
    """`order` → `orders`, `category` → `categories`, `box` → `boxes`."""
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", word) else f"{word}s"


def singular(word: str) -> str:
    """The inverse of `plural`, for a word that it made."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(ss|x|z|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def is_plural(word: str) -> bool:
    return singular(word) != word


def spoken(snake_name: str) -> str:
    """`order_line` → `order line`."""
    return snake_name.replace("_", " ")


def with_article(words: str) -> str:
    """`order` → `an order`."""
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"
