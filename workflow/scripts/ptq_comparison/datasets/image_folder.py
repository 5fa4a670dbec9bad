"""A data set of image files: `split/class/*.png` or `.jpg`, or files that a list labels."""

from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import shown_names
from ptq_comparison.datasets.assembly import make_dataset
from ptq_comparison.datasets.dataset import SPLITS, Dataset
from ptq_comparison.datasets.label_files import list_labelled
from ptq_comparison.datasets.listing import (
    SPLIT_NAMES,
    Listing,
    class_folders,
    image_files,
    list_class_folders,
    split_names,
    wanted_names,
)
from ptq_comparison.datasets.options import DEFAULTS, Options
from ptq_comparison.datasets.validation_folder import list_validation


def read_image_folder(path: Path, options: Options = DEFAULTS) -> Dataset:
    """Read PNG or JPEG files, whose splits and classes are told by folders, or by lists.

    Images are sorted by class folder and file name, or as the list has them. Raises UserError for
    a missing split, an unknown class, a name that cannot be written, or what is no file. Hidden
    files and folders are skipped.
    """
    if not path.is_dir():
        raise UserError(f"{path}: is no folder; dataset.name image_folder reads folders of images")
    find = list_labelled if options.labels else list_folders
    listings = find(path, options)
    if options.validation and "validation" not in listings:
        listings["validation"] = list_validation(options, path)
    return make_dataset(listings, options)


def list_folders(path: Path, options: Options) -> dict[str, Listing]:
    """List the images of the splits `train` and `test`, or `all` for one that is yet to be split.

    With a folder of calibration images, `test` alone.
    """
    if options.hold_out:
        _check_holds_classes(path)
        return {"all": list_class_folders(path)}
    needed = ("test",) if options.calibration else SPLITS
    names = split_names(
        options,
        lambda name: bool(class_folders(path / name)),
        lambda name: (path / name).is_dir(),
    )
    if needed == ("test",) and names["test"] is None and not options.splits and _has_classes(path):
        return {"test": list_class_folders(path)}
    for split in needed:
        name = names[split]
        if name is None:
            raise UserError(_missing(path, options, split))
        if not class_folders(path / name):
            raise UserError(
                f"{path / name}: has no folders; put the images of each class into a folder, or "
                "set dataset.labels to a list of them"
            )
    return {split: list_class_folders(path / str(names[split])) for split in needed}


def _has_classes(path: Path) -> bool:
    """Tell whether folders in a folder look like classes: no splits, and an image in one."""
    folders = class_folders(path)
    return not set(folders) & set(SPLIT_NAMES) and any(
        entry.is_file() for name in folders for entry in (path / name).glob("*.*")
    )


def _check_holds_classes(path: Path) -> None:
    folders = class_folders(path)
    if not folders:
        raise UserError(
            f"{path}: has no folders; dataset.hold_out wants the images of each class in a folder "
            "of its own, or dataset.labels"
        )
    splits = [name for name in folders if name in SPLIT_NAMES and class_folders(path / name)]
    if splits:
        raise UserError(
            f"dataset.hold_out: {path / splits[0]} holds folders, as a split does; set "
            f"dataset.path to it, or dataset.hold_out to null"
        )


def _missing(path: Path, options: Options, split: str) -> str:
    """Say that a split is missing, what is there, and what to do."""
    folders = class_folders(path)
    if _has_classes(path):
        remedy = (
            "these look like classes: set dataset.hold_out to 0.2, say, to draw test images from "
            "them, or put them into train/ and test/"
        )
    elif folders:
        remedy = "name two folders with dataset.splits: {train: ..., test: ...}"
        if split == "test":
            remedy += ", or draw test images from one with dataset.hold_out and its path"
    elif image_files(path):
        remedy = "put the images of each class into a folder, or set dataset.labels to a list"
    else:
        remedy = "correct dataset.path"
    return (
        f"{path}: no folder {wanted_names(options, split)}; found: {shown_names(folders)}; {remedy}"
    )
