"""Our nets within labelling tools: CVAT, Label Studio."""
