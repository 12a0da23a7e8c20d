"""`make aws-check`: the template on a real account, deployed, called and destroyed, with a report."""
