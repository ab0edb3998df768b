"""Google Cloud's REST APIs on one machine, kept on disk: what a stack of backups configures.

Buckets, their policies and their retention, Cloud KMS, service accounts and their keys, workload
identity pools, custom roles, projects and their services. Objects themselves are those of a
fake-gcs-server behind it, to which all other requests for Cloud Storage are passed on.

What it leaves out, on purpose: who calls is not asked, so nothing is refused for want of a
permission, apart from the key that Cloud Storage's own account needs. Lifecycle rules, versions of
objects, soft delete, replication and access logs are kept as configuration and do nothing. An
object's retention is enforced; where Google would make a retained object non-current it is refused,
because there are no versions.
"""
