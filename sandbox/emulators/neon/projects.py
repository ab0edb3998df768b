"""The project, and the operations in it."""

from sandbox.emulators.neon.calls import Call, Reply, find_operation, render_operation, text


def show_project(call: Call) -> Reply:
    project = call.project
    return Reply(
        {
            "project": {
                "id": project.id,
                "platform_id": "aws",
                "region_id": "aws-us-east-2",
                "name": project.id,
                "provisioner": "k8s-neonvm",
                "pg_version": 18,
                "proxy_host": "us-east-2.aws.neon.tech",
                "branch_logical_size_limit": 1024,
                "branch_logical_size_limit_bytes": 1024**3,
                "store_passwords": True,
                "creation_source": "console",
                "history_retention_seconds": int(project.limits.history.total_seconds()),
                "created_at": text(project.created_at),
                "updated_at": text(project.created_at),
                "consumption_period_start": text(project.created_at),
                "consumption_period_end": text(project.created_at),
                "active_time_seconds": 0,
                "compute_time_seconds": 0,
                "cpu_used_sec": 0,
                "written_data_bytes": 0,
                "data_transfer_bytes": 0,
                "data_storage_bytes_hour": 0,
                "owner_id": "1232111",
                "owner": {
                    "email": "owner@neonhub.ai",
                    "name": "NeonHub",
                    "branches_limit": project.limits.included_branches,
                    "subscription_type": project.plan,
                },
            }
        }
    )


def list_operations(call: Call) -> Reply:
    """Newest first."""
    found = list(reversed(call.project.operations))
    shown, following = call.page(found, lambda each: each.id, 100)
    pagination = {"pagination": {"cursor": following}} if following else {}
    return Reply({"operations": [render_operation(call, each) for each in shown], **pagination})


def show_operation(call: Call, operation_id: str) -> Reply:
    operation = find_operation(call, operation_id)
    call.look(operation)
    return Reply({"operation": render_operation(call, operation)})
