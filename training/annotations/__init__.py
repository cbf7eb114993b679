"""The annotation files of other tools: LabelMe, COCO, VOC, coloured masks."""
