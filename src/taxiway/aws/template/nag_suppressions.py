"""Findings of cdk-nag, and of the CDK by itself, that a resource is meant to have, each with its reason beside it."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept what these rules say of a construct and of what is in it. A rule's finding is named in brackets."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))
