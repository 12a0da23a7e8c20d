"""The declaration on AWS: permissions, CloudFormation, packages, deployments and what they cost."""
