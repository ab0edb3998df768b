"""One of everything that the local provider of Google Cloud knows, varied by a settings file."""

import json
from pathlib import Path

import pulumi
import pulumi_gcp as gcp

settings = json.loads((Path(__file__).parent / "settings.json").read_text())

project = gcp.organizations.get_project()
client = gcp.organizations.get_client_config()
agent = gcp.storage.get_project_service_account()

api = gcp.projects.Service("kms-api", service="cloudkms.googleapis.com")
ring = gcp.kms.KeyRing("ring", location="us", opts=pulumi.ResourceOptions(depends_on=[api]))
key = gcp.kms.CryptoKey(
    "key",
    name=settings["key"],
    key_ring=ring.id,
    purpose="ENCRYPT_DECRYPT",
    rotation_period=settings["rotation"],
    destroy_scheduled_duration="2592000s",
)
use = gcp.kms.CryptoKeyIAMMember(
    "use",
    crypto_key_id=key.id,
    role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
    member=agent.member,
)
gcp.kms.CryptoKeyIAMBinding(
    "viewers", crypto_key_id=key.id, role="roles/cloudkms.viewer", members=[agent.member]
)
logs = gcp.storage.Bucket("logs", location="US", force_destroy=True)
bucket = gcp.storage.Bucket(
    "backups",
    name=settings["bucket"],
    location="US",
    custom_placement_config={"data_locations": ["US-EAST1", "US-WEST1"]},
    rpo="ASYNC_TURBO",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": key.id},
    versioning={"enabled": True},
    soft_delete_policy={"retention_duration_seconds": settings["soft_delete"]},
    retention_policy=settings["retention"],
    enable_object_retention=True,
    lifecycle_rules=[
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
        {
            "action": {"type": "SetStorageClass", "storage_class": "COLDLINE"},
            "condition": {"age": settings["days"], "matches_prefixes": ["db/weekly/"]},
        },
        {
            "action": {"type": "Delete"},
            "condition": {
                "days_since_noncurrent_time": 1,
                "num_newer_versions": 2,
                "with_state": "ARCHIVED",
            },
        },
    ],
    logging={"log_bucket": logs.name},
    labels=settings["labels"],
    force_destroy=True,
    opts=pulumi.ResourceOptions(depends_on=[use]),
)
backup = gcp.serviceaccount.Account(
    "backup", account_id="neonhub-backup", display_name=settings["title"]
)
gcp.storage.BucketIAMMember(
    "create",
    bucket=bucket.name,
    role="roles/storage.objectCreator",
    member=backup.member,
    condition={
        "title": "backups only",
        "expression": 'resource.name.startsWith("projects/_/buckets/b/objects/db/")',
    },
)
listing = gcp.projects.IAMCustomRole(
    "listing",
    role_id="neonhub.list",
    title=settings["title"],
    permissions=["storage.objects.list", "storage.buckets.get"],
)
for number in range(5):  # Engines change one policy from many sides at once.
    gcp.storage.BucketIAMMember(
        f"role-{number}",
        bucket=bucket.name,
        role=f"roles/storage.role{number}",
        member=backup.member,
    )
gcp.storage.BucketIAMBinding("list", bucket=bucket.name, role=listing.name, members=[backup.member])
gcp.storage.BucketIAMPolicy(
    "logs",
    bucket=logs.name,
    policy_data=json.dumps(
        {"bindings": [{"role": "roles/storage.admin", "members": ["projectOwner:neonhub-test"]}]}
    ),
)
pool = gcp.iam.WorkloadIdentityPool(
    "pool", workload_identity_pool_id=settings["pool"], display_name=settings["title"]
)
provider = gcp.iam.WorkloadIdentityPoolProvider(
    "github",
    workload_identity_pool_id=pool.workload_identity_pool_id,
    workload_identity_pool_provider_id="github",
    attribute_mapping={
        "google.subject": "assertion.sub",
        "attribute.repository": "assertion.repository_id",
    },
    attribute_condition=settings["condition"],
    oidc={"issuer_uri": "https://token.actions.githubusercontent.com"},
)
gcp.serviceaccount.IAMMember(
    "impersonate",
    service_account_id=backup.name,
    role="roles/iam.workloadIdentityUser",
    member=pulumi.Output.concat(
        "principalSet://iam.googleapis.com/", pool.name, "/attribute.repository/1003"
    ),
)
gcp.projects.IAMMember(
    "monitor", project=project.project_id, role="roles/monitoring.viewer", member=backup.member
)
password = gcp.serviceaccount.Key("key-file", service_account_id=backup.name)

pulumi.export("number", project.number)
pulumi.export("project", client.project)
pulumi.export("ring", ring.id)
pulumi.export("key_file", password.private_key)
pulumi.export("labels", bucket.pulumi_labels)
pulumi.export("logs", logs.name)
