"""What the workflows of this repository run: reports of previews, and where GitHub shows them.

Nothing but Python's standard library, so that the jobs that may write to GitHub install nothing.
"""
