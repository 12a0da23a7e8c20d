"""How much of what is counted an account has by itself, where a declaration can come near it."""

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
ROUTES = 300
INTEGRATIONS = 300
AUTHORIZERS = 10

# Of 1,000 environments at once, 100 are for functions that reserve none:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
RESERVED = 900

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
INDEXES = 20
