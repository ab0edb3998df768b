"""One comment on a pull request, and one issue, that are kept up to date in GitHub."""

from neonhub_backup.github.api import Repository, create_issue, marked, open_issue


def keep_comment(repository: Repository, pull_request: int, mark: str, text: str) -> None:
    """Write the pull request's comment with this mark, or write it anew."""
    thread = f"issues/{pull_request}/comments"
    body = {"body": f"{mark}\n{text}"}
    found = marked(repository.all(f"{thread}?"), mark)
    if found is None:
        repository.send("POST", thread, body)
    else:
        repository.send("PATCH", f"issues/comments/{found['id']}", body)


def keep_issue(
    repository: Repository, mark: str, *, title: str, label: str, text: str | None
) -> None:
    """Have one open issue with this mark that says this, or none when there is nothing to say."""
    found = open_issue(repository, mark, label)
    if found is None:
        if text is not None:
            create_issue(repository, mark, title, label, text)
        return
    issue = f"issues/{found['number']}"
    if text is None:
        repository.send("POST", f"{issue}/comments", {"body": "It is gone."})
        repository.send("PATCH", issue, {"state": "closed", "state_reason": "completed"})
    else:
        repository.send("PATCH", issue, {"title": title, "body": f"{mark}\n{text}"})
