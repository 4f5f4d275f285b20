"""Regular expressions that administrators write: matched in linear time, as a whole, or not at all.

The engine is Rust's, which knows no backtracking: no pattern and no text can keep it busy.
"""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema


def is_usable(pattern: str) -> bool:
    """Whether a pattern can be matched at all."""
    return _validator(pattern) is not None


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is met by the whole of a text; one that is not usable is met by nothing."""
    validator = _validator(pattern)
    if validator is None:
        return False
    try:
        validator.validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _validator(pattern: str) -> SchemaValidator | None:
    try:
        # By itself first: what is only balanced inside the parentheses would escape the anchors.
        _compiled(pattern)
        return _compiled(rf"\A(?:{pattern})\z")
    except SchemaError:
        return None


def _compiled(pattern: str) -> SchemaValidator:
    schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True)
    return SchemaValidator(schema)
