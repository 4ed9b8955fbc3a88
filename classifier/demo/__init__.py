"""The main job on a fresh machine: pictures drawn here, a tenth labelled, the rest sorted."""
