"""A stage's secrets in Secrets Manager, where AWS answers as it documents."""

import pytest
from tests.aws.documented import CloudFormation

from taxiway import Secret
from taxiway.aws.deploying.secret_values import SecretValues
from taxiway.aws.errors import AwsError

ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:shop/prod-AbCdEf"
NOT_FOUND = {"Error": {"Code": "ResourceNotFoundException", "Message": "can't find the specified secret"}}


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (Secret("shop/prod", generate="key"), "the stack must create it"),
        (Secret(ARN), "none can be made by its ARN"),
    ],
)
def test_what_set_can_not_make_it_does_not_try_to(secret: Secret, told: str) -> None:
    aws = CloudFormation(GetSecretValue=NOT_FOUND)

    with pytest.raises(AwsError, match=told):
        SecretValues(aws.account).set(secret, "key", "value")
    assert aws.called == ["GetSecretValue"]
