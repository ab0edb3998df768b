"""The page: the document for people, in one file without a script that loads nothing."""

from neonhub_backup.report.page.whole import render_page

__all__ = ["render_page"]
