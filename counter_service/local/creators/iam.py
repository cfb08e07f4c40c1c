"""Creates roles and their policies. The emulator stores them, but does not enforce them."""

from collections.abc import Mapping
from typing import Final

from counter_service.local.emulator import MiniStack

from .creator import Created, Creator
from .inputs import Inputs


def create_role(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a role."""
    role = aws.client("iam").create_role(
        RoleName=inputs["name"],
        Description=inputs.get("description", ""),
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
    )["Role"]
    return role["RoleName"], {"arn": role["Arn"]}


def create_role_policy(aws: MiniStack, inputs: Inputs) -> Created:
    """Write an inline policy of a role."""
    aws.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{inputs['name']}", {}


def create_role_policy_attachment(aws: MiniStack, inputs: Inputs) -> Created:
    """Attach a managed policy to a role."""
    aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}-{inputs['policyArn']}", {}


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:iam/role:Role": Creator(create_role),
    "aws:iam/rolePolicy:RolePolicy": Creator(create_role_policy),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Creator(create_role_policy_attachment),
}
