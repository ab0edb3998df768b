"""The report: everything that is known of an environment's backups, in one document and one page.

The document is made of what the stores show (`gathering`, then a module for each of its parts), and
the page of the document alone, so that nothing stands on it that the document does not say.
"""
