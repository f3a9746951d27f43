"""An algorithm of the user's own, in a process of its own, in the user's interpreter."""
