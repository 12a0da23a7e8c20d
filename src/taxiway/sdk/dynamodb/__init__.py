"""DynamoDB: its data plane, as a function calls it."""
