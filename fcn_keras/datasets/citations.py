"""What to cite for each data set, in BibTeX."""

VOC_SBD = """
@article{everingham2015pascal,
  title={The {PASCAL} Visual Object Classes Challenge: A Retrospective},
  author={Everingham, Mark and Eslami, S. M. Ali and Van Gool, Luc and Williams, Christopher K. I. and Winn, John
    and Zisserman, Andrew},
  journal={International Journal of Computer Vision}, volume={111}, number={1}, pages={98--136}, year={2015}
}
@inproceedings{hariharan2011semantic,
  title={Semantic Contours from Inverse Detectors},
  author={Hariharan, Bharath and Arbel{\\'a}ez, Pablo and Bourdev, Lubomir and Maji, Subhransu and Malik, Jitendra},
  booktitle={ICCV}, year={2011}
}
"""
NYUD_V2 = """
@inproceedings{silberman2012indoor,
  title={Indoor Segmentation and Support Inference from {RGBD} Images},
  author={Silberman, Nathan and Hoiem, Derek and Kohli, Pushmeet and Fergus, Rob},
  booktitle={ECCV}, year={2012}
}
@inproceedings{gupta2013perceptual,
  title={Perceptual Organization and Recognition of Indoor Scenes from {RGB-D} Images},
  author={Gupta, Saurabh and Arbel{\\'a}ez, Pablo and Malik, Jitendra},
  booktitle={CVPR}, year={2013}
}
"""
SIFT_FLOW = """
@inproceedings{liu2009nonparametric,
  title={Nonparametric Scene Parsing: Label Transfer via Dense Scene Alignment},
  author={Liu, Ce and Yuen, Jenny and Torralba, Antonio},
  booktitle={CVPR}, year={2009}
}
@inproceedings{tighe2010superparsing,
  title={{SuperParsing}: Scalable Nonparametric Image Parsing with Superpixels},
  author={Tighe, Joseph and Lazebnik, Svetlana},
  booktitle={ECCV}, year={2010}
}
"""
STANFORD_BACKGROUND = """
@inproceedings{gould2009decomposing,
  title={Decomposing a Scene into Geometric and Semantically Consistent Regions},
  author={Gould, Stephen and Fulton, Richard and Koller, Daphne},
  booktitle={ICCV}, year={2009}
}
"""
CAMVID = """
@article{brostow2009semantic,
  title={Semantic Object Classes in Video: A High-Definition Ground Truth Database},
  author={Brostow, Gabriel J. and Fauqueur, Julien and Cipolla, Roberto},
  journal={Pattern Recognition Letters}, volume={30}, number={2}, pages={88--97}, year={2009}
}
"""
PASCAL_CONTEXT = """
@inproceedings{mottaghi2014role,
  title={The Role of Context for Object Detection and Semantic Segmentation in the Wild},
  author={Mottaghi, Roozbeh and Chen, Xianjie and Liu, Xiaobai and Cho, Nam-Gyu and Lee, Seong-Whan and
    Fidler, Sanja and Urtasun, Raquel and Yuille, Alan},
  booktitle={CVPR}, year={2014}
}
"""
