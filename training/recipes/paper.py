"""The experiments of the paper and of its release, as recipes.

The released solvers descend online: one whole image at its own size, drawn with replacement, the loss summed over its
pixels, momentum 0.99, no augmentation. Each finer net starts from the coarser one at a hundredth of its rate.

    fcn-train voc_fcn8s --data DIR --workdir runs          the folder that holds VOCdevkit and benchmark_RELEASE
    fcn-train nyud_fcn32s_rgb_hha --data DIR --workdir runs       the folder of nyu_depth_v2_labeled.mat
    fcn-train sift_flow_fcn8s --data DIR --workdir runs           the folder that holds SiftFlowDataset

Reference: Long, Shelhamer, Darrell, CVPR 2015; the solvers of github.com/shelhamer/fcn.berkeleyvision.org.
"""

from dataclasses import replace
from functools import partial

import keras

from fcn_keras.augment import compose, crop, mirror, scale
from fcn_keras.backbone import VGG16
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras.optimizers import CaffeSGD

from .readers import nyud_folder, nyud_v2, pascal_context, sift_flow, stanford_background, voc_sbd
from .recipe import Recipe
from .solvers import BATCH_20, HEAVY

# BGR means of the released data layers.
CONTEXT_MEAN = (104.007, 116.669, 122.679)
NYUD_MEAN = (116.190, 97.203, 92.318)
SIFT_FLOW_MEAN = (114.578, 115.294, 108.353)
RELEASED = {"padding": "caffe", "learn_upsampling": "none"}

VOC_FCN32S = Recipe(
    name="voc_fcn32s",
    model=FCN32s,
    model_options=RELEASED,
    data=voc_sbd,
    splits=("sbd_train", "seg11valid"),
    imagenet=True,
    steps=100_000,
    steps_per_epoch=4_000,
    optimizer=partial(CaffeSGD, momentum=HEAVY.momentum, weight_decay=HEAVY.weight_decay),
    learning_rate=HEAVY.learning_rate,
    reduction=HEAVY.reduction,
    replacement=True,
)
VOC_FCN32S_FIXED = replace(VOC_FCN32S, name="voc_fcn32s_fixed", frozen=("conv", "fc"))  # only score_fr learns
VOC_FCN16S = replace(VOC_FCN32S, name="voc_fcn16s", model=FCN16s, init_from="voc_fcn32s", learning_rate=1e-12)
VOC_FCN8S = replace(VOC_FCN16S, name="voc_fcn8s", model=FCN8s, init_from="voc_fcn16s", learning_rate=1e-14)
VOC_FCN8S_ATONCE = replace(
    VOC_FCN32S, name="voc_fcn8s_atonce", model=FCN8s, model_options={**RELEASED, "at_once": True}, steps=300_000
)

# The CVPR paper's own: 20 images an update, mean loss, the intermediate upsamplings learned, VOC 2011's 1112 images
# for at least 175 epochs.
VOC_PAPER_FCN32S = replace(
    VOC_FCN32S,
    name="voc_paper_fcn32s",
    model_options={"padding": "caffe"},
    splits=("train", "seg11valid"),
    steps=200_000,
    optimizer=partial(CaffeSGD, momentum=BATCH_20.momentum, weight_decay=BATCH_20.weight_decay),
    accumulate=BATCH_20.images,
    learning_rate=BATCH_20.learning_rate,
    reduction=BATCH_20.reduction,
    replacement=False,
)
VOC_PAPER_FCN16S = replace(
    VOC_PAPER_FCN32S, name="voc_paper_fcn16s", model=FCN16s, init_from="voc_paper_fcn32s", learning_rate=1e-6
)
VOC_PAPER_FCN8S = replace(
    VOC_PAPER_FCN16S, name="voc_paper_fcn8s", model=FCN8s, init_from="voc_paper_fcn16s", learning_rate=1e-8
)

# The same 20 images an update in half precision, in five batches of four that one device, or on JAX two or four,
# share: VOC's images have at most 500 pixels a side, so that one size, compiled once, holds them all.
VOC_MIXED_FCN32S = replace(
    VOC_PAPER_FCN32S,
    name="voc_mixed_fcn32s",
    steps=50_000,
    steps_per_epoch=1_000,
    batch_size=4,
    accumulate=BATCH_20.images // 4,
    buckets=((512, 512),),
    dtype_policy="mixed_bfloat16",
)
VOC_MIXED_FCN16S = replace(
    VOC_MIXED_FCN32S, name="voc_mixed_fcn16s", model=FCN16s, init_from="voc_mixed_fcn32s", learning_rate=1e-6
)
VOC_MIXED_FCN8S = replace(
    VOC_MIXED_FCN16S, name="voc_mixed_fcn8s", model=FCN8s, init_from="voc_mixed_fcn16s", learning_rate=1e-8
)

CONTEXT_FCN32S = replace(
    VOC_FCN32S,
    name="context_fcn32s",
    model_options={**RELEASED, "mean": CONTEXT_MEAN},
    data=pascal_context,
    splits=("train", "val"),
    steps=400_000,
    steps_per_epoch=8_000,
)
CONTEXT_FCN16S = replace(
    CONTEXT_FCN32S, name="context_fcn16s", model=FCN16s, init_from="context_fcn32s", learning_rate=1e-12
)
CONTEXT_FCN8S = replace(
    CONTEXT_FCN16S, name="context_fcn8s", model=FCN8s, init_from="context_fcn16s", learning_rate=1e-14
)

NYUD_FCN32S_RGB = replace(
    VOC_FCN32S,
    name="nyud_fcn32s_rgb",
    model_options={**RELEASED, "mean": NYUD_MEAN},
    data=partial(nyud_v2, hha=False),
    splits=("trainval", "test"),
    steps_per_epoch=2_000,
)
NYUD_FCN32S_RGBD = replace(
    NYUD_FCN32S_RGB,
    name="nyud_fcn32s_rgbd",
    model_options={**RELEASED, "mean": NYUD_MEAN, "modality": "rgbd"},
)
NYUD_FCN32S_HHA = replace(
    NYUD_FCN32S_RGB,
    name="nyud_fcn32s_hha",
    model_options={**RELEASED, "modality": "hha"},
    data=nyud_v2,
    cache=True,  # HHA takes 0.3 s an image; 1.3 GB with it
)
NYUD_FCN32S_RGB_HHA = replace(
    NYUD_FCN32S_HHA,
    name="nyud_fcn32s_rgb_hha",
    model=LateFusion,
    model_options={**RELEASED, "mean": NYUD_MEAN},
    init_from={"color": "nyud_fcn32s_rgb", "hha": "nyud_fcn32s_hha"},
    learning_rate=1e-12,
)
# In the paper, never released: the rate is a hundredth of the coarser net's, as everywhere.
NYUD_FCN16S_RGB_HHA = replace(
    NYUD_FCN32S_RGB_HHA,
    name="nyud_fcn16s_rgb_hha",
    model_options={**RELEASED, "mean": NYUD_MEAN, "skips": 1},
    init_from="nyud_fcn32s_rgb_hha",
    learning_rate=1e-14,
)

SIFT_FLOW_FCN32S = replace(
    VOC_FCN32S,
    name="sift_flow_fcn32s",
    model_options={**RELEASED, "mean": SIFT_FLOW_MEAN},
    data=sift_flow,
    splits=("trainval", "test"),
    steps_per_epoch=2_000,
)
SIFT_FLOW_FCN16S = replace(
    SIFT_FLOW_FCN32S, name="sift_flow_fcn16s", model=FCN16s, init_from="sift_flow_fcn32s", learning_rate=1e-12
)
SIFT_FLOW_FCN8S = replace(SIFT_FLOW_FCN16S, name="sift_flow_fcn8s", model=FCN8s, init_from="sift_flow_fcn16s")

# The same experiments where the original is not at hand, small enough for two processor cores: fc6 and fc7 fresh and
# 512 wide, crops of half the size. NYUDv2 unpacked to image files with depth in 8 bits, about metres x 25.5.
NYUD_SMALL_RGB = Recipe(
    name="nyud_small_rgb",
    model=FCN32s,
    model_options={"channels": (VGG16[0], 512), "mean": NYUD_MEAN},
    data=partial(nyud_folder, depth_scale=1000 / 25.5, hha=False),
    imagenet=True,
    steps=160,
    steps_per_epoch=80,
    optimizer=keras.optimizers.Adam,
    learning_rate=2e-4,
    final_learning_rate=0.05,
    batch_size=4,
    augment=compose(partial(scale, low=0.35, high=0.6), partial(crop, height=160, width=208), mirror),
    validation_images=10,
)
NYUD_SMALL_RGBD = replace(
    NYUD_SMALL_RGB,
    name="nyud_small_rgbd",
    model_options={**NYUD_SMALL_RGB.model_options, "modality": "rgbd"},
)
NYUD_SMALL_HHA = replace(
    NYUD_SMALL_RGB,
    name="nyud_small_hha",
    model_options={"channels": (VGG16[0], 512), "modality": "hha"},
    data=partial(nyud_folder, depth_scale=1000 / 25.5),
    cache=True,
)
NYUD_SMALL_RGB_HHA = replace(
    NYUD_SMALL_HHA,
    name="nyud_small_rgb_hha",
    model=LateFusion,
    model_options=NYUD_SMALL_RGB.model_options,
    init_from={"color": "nyud_small_rgb", "hha": "nyud_small_hha"},
    steps=40,
    steps_per_epoch=40,
    learning_rate=5e-5,
)
NYUD_SMALL_FCN16S_RGB_HHA = replace(
    NYUD_SMALL_RGB_HHA,
    name="nyud_small_fcn16s_rgb_hha",
    model_options={**NYUD_SMALL_RGB.model_options, "skips": 1},
    init_from="nyud_small_rgb_hha",
)

# Stands in for SIFT Flow: outdoor scenes, semantic and geometric labels.
STANFORD_FCN32S = replace(
    NYUD_SMALL_RGB,
    name="stanford_fcn32s",
    model_options={"channels": (VGG16[0], 512), "mean": SIFT_FLOW_MEAN},
    data=stanford_background,
    augment=compose(partial(scale, low=0.6, high=1.0), partial(crop, height=160, width=208), mirror),
    validation_images=20,
)
STANFORD_FCN16S = replace(
    STANFORD_FCN32S, name="stanford_fcn16s", model=FCN16s, init_from="stanford_fcn32s", steps=60, steps_per_epoch=60
)
STANFORD_FCN8S = replace(STANFORD_FCN16S, name="stanford_fcn8s", model=FCN8s, init_from="stanford_fcn16s")

RECIPES = (
    VOC_FCN32S,
    VOC_FCN32S_FIXED,
    VOC_FCN16S,
    VOC_FCN8S,
    VOC_FCN8S_ATONCE,
    VOC_PAPER_FCN32S,
    VOC_PAPER_FCN16S,
    VOC_PAPER_FCN8S,
    VOC_MIXED_FCN32S,
    VOC_MIXED_FCN16S,
    VOC_MIXED_FCN8S,
    CONTEXT_FCN32S,
    CONTEXT_FCN16S,
    CONTEXT_FCN8S,
    NYUD_FCN32S_RGB,
    NYUD_FCN32S_RGBD,
    NYUD_FCN32S_HHA,
    NYUD_FCN32S_RGB_HHA,
    NYUD_FCN16S_RGB_HHA,
    SIFT_FLOW_FCN32S,
    SIFT_FLOW_FCN16S,
    SIFT_FLOW_FCN8S,
    NYUD_SMALL_RGB,
    NYUD_SMALL_RGBD,
    NYUD_SMALL_HHA,
    NYUD_SMALL_RGB_HHA,
    NYUD_SMALL_FCN16S_RGB_HHA,
    STANFORD_FCN32S,
    STANFORD_FCN16S,
    STANFORD_FCN8S,
)
