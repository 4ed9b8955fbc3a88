"""The home page: the whole job of a project as steps, which start illsort's own commands as jobs.

Where each step stands is read from the disk. The pages of labeling and of reviewing are rooms below this one.
"""
