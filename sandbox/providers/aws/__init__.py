"""The local AWS provider: pulumi-aws's resource types, done with boto3 against moto."""
