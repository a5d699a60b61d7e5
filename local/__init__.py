"""The local AWS: moto behind a front door, and a deployer that works as CloudFormation does."""
