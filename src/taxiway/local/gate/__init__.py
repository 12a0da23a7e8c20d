"""The gate: what stands for AWS's APIs locally, and answers only requests signed with credentials that it gave out."""
