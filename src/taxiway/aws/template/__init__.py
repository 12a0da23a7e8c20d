"""The CloudFormation of a stage, made from its declaration."""
