"""The main job on a fresh machine: pictures drawn here, a tenth labeled, the rest sorted."""
