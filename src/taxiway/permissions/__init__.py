"""What each function may do: IAM policies, made from the declaration alone, for AWS and local development alike."""
