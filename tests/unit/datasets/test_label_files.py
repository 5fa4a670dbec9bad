"""Lists of labels: CSV files, and lines as ImageNet has them."""

import pytest
from helpers.picture_files import picture, values, write_pictures
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import check_dataset
from ptq_comparison.datasets.image_folder import read_image_folder
from ptq_comparison.datasets.label_files import read_rows
from ptq_comparison.datasets.options import Options

NAMES = ("0.png", "1.png", "2.png", "3.png")


def write_list(folder, text, name="labels.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / name)


def read(folder, text, name="labels.csv", **options):
    return read_image_folder(folder, Options(labels=write_list(folder, text, name), **options))


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split\n0.png,cat,train\n1.png,dog,train\n2.png,dog,test\n3.png,cat,test\n",
        "\ufeffpath,label,split\r\n0.png,cat,train\r\n1.png,dog,train\r\n2.png,dog,val\r\n\r\n"
        '"3.png","cat","val"\r\n',
        'Split;extra;Label;Path\ntrain;"a;b";cat;./0.png\ntrain;;dog;1.png\ntest;;dog;2.png\n'
        "test;;cat;3.png\n",
        "path\tlabel\tsplit\n0.png\tcat\ttrain\n1.png\tdog\ttrain\n2.png\tdog\ttest\n3.png\tcat\ttest\n",
    ],
)  # fmt: skip
def test_forms_of_a_table(tmp_path, text):
    dataset = read(write_pictures(tmp_path, *NAMES), text)
    assert dataset.class_names == ["cat", "dog"]
    assert values(dataset.train.images) == [0, 1] and dataset.train.labels.tolist() == [0, 1]
    assert values(dataset.test.images) == [2, 3] and dataset.test.labels.tolist() == [1, 0]


def test_a_name_with_a_comma_is_quoted(tmp_path):
    write_pictures(tmp_path, "a, b.png", "c.png")
    dataset = read(tmp_path, 'path,label,split\n"a, b.png",0,train\nc.png,0,test\n')
    assert values(dataset.train.images) == [0]
    with pytest.raises(
        UserError, match=r"'a, b.png,0,train' has 4 values for 3 columns; put a val"
    ):
        read(tmp_path, "path,label,split\na, b.png,0,train\n")


def test_numbers_are_those_of_outputs(tmp_path):
    dataset = read(
        write_pictures(tmp_path, *NAMES),
        "path,label,split\n0.png,2,train\n1.png,10,train\n2.png,0,train\n3.png,10,test\n",
        classes=write_list(tmp_path, "\n".join(f"class {n}" for n in range(11)), "classes.txt"),
    )
    assert dataset.train.labels.tolist() == [2, 10, 0] and dataset.test.labels.tolist() == [10]
    assert dataset.class_names[10] == "class 10" and len(dataset.class_names) == 11


def test_numbers_without_names(tmp_path):
    rows = "path,label,split\n0.png,1,train\n1.png,0,train\n2.png,1,test\n"
    assert read(write_pictures(tmp_path, *NAMES), rows).class_names == ["0", "1"]
    with pytest.raises(UserError, match=r"labels run from 1 to 2: labels start at 1; .*subtract 1"):
        read(tmp_path, "path,label,split\n0.png,1,train\n1.png,2,train\n2.png,1,test\n")
    with pytest.raises(UserError, match="100001 classes, but 2 training images"):
        read(tmp_path, "path,label,split\n0.png,0,train\n2.png,100000,test\n")


def test_imagenet_as_it_is(tmp_path):
    """Class folders to train on, and a list of the flat validation images."""
    write_pictures(tmp_path, "train/n02/a.JPEG", "train/n01/b.JPEG", "val/v_1.JPEG", "val/v_2.JPEG")
    (tmp_path / "meta").mkdir()
    labels = write_list(tmp_path / "meta", "v_1.JPEG 1\nv_2.JPEG 0\n", "val.txt")
    dataset = read_image_folder(tmp_path, Options(labels=labels))
    assert dataset.class_names == ["n01", "n02"] and dataset.train.labels.tolist() == [0, 1]
    assert values(dataset.test.images) == [2, 3] and dataset.test.labels.tolist() == [1, 0]
    names = write_list(tmp_path / "meta", "v_1.JPEG n02\nv_2.JPEG n01\n", "names.txt")
    again = read_image_folder(tmp_path, Options(labels=names))
    assert again.test.labels.tolist() == [1, 0]


def test_tiny_imagenet_as_it_is(tmp_path):
    write_pictures(tmp_path, "train/n1/images/n1_0.JPEG", "train/n2/images/n2_0.JPEG")
    (tmp_path / "val/images").mkdir(parents=True)
    (tmp_path / "val/images/val_0.JPEG").write_bytes(picture(9))
    labels = write_list(tmp_path / "val", "val_0.JPEG\tn2\t0\t32\t44\t62\n", "val_annotations.txt")
    dataset = read_image_folder(tmp_path, Options(labels=labels))
    assert dataset.train.labels.tolist() == [0, 1] and dataset.test.labels.tolist() == [1]
    assert values(dataset.test.images) == [9]


def test_a_list_for_each_split(tmp_path):
    write_pictures(tmp_path, "train/n01/a.png", "train/n02/b.png", "val/c.png", "val/d e.png")
    lists = {
        "train": write_list(tmp_path, "n01/a.png 0\nn02/b.png 1\n", "train.txt"),
        "test": write_list(tmp_path, "c.png\t1\t7\t8\nd e.png\t0\t7\t8\n", "val.txt"),
    }
    dataset = read_image_folder(tmp_path, Options(labels=lists))
    assert dataset.train.labels.tolist() == [0, 1] and dataset.test.labels.tolist() == [1, 0]
    assert values(dataset.test.images) == [2, 3]
    lists["test"] = write_list(tmp_path, "val/c.png 1\nval/d e.png 0\n", "val.txt")
    assert values(read_image_folder(tmp_path, Options(labels=lists)).test.images) == [2, 3]


def test_a_list_is_split_by_the_hold_out(tmp_path):
    names = [f"{number}.png" for number in range(12)]
    rows = "".join(f"{name},{'ab'[number % 2]}\n" for number, name in enumerate(names))
    dataset = read(write_pictures(tmp_path, *names), f"path,label\n{rows}", hold_out=1 / 3)
    assert sorted(dataset.test.labels.tolist()) == [0, 0, 1, 1] and len(dataset.train.labels) == 8


def test_a_list_of_test_images_with_calibration_images(tmp_path):
    write_pictures(tmp_path, "c/0.png", "t/1.png")
    options = {"calibration": str(tmp_path / "c")}
    for text in ("path,label\nt/1.png,cat\n", "path,label,split\nt/1.png,cat,test\n"):
        dataset = read(tmp_path, text, **options)
        assert dataset.train.labels.tolist() == [-1] and dataset.test.labels.tolist() == [0]
    with pytest.raises(UserError, match=r"c/0.png: is in both splits"):
        read(tmp_path, "path,label\nt/1.png,cat\n./c/0.png,cat\n", **options)


def test_training_images_may_have_no_labels(tmp_path):
    rows = "path,label,split\n0.png,,train\n1.png,,train\n2.png,1,test\n3.png,0,test\n"
    dataset = read(write_pictures(tmp_path, *NAMES), rows)
    check_dataset(dataset)
    assert dataset.train.labels.tolist() == [-1, -1] and dataset.class_names == ["0", "1"]
    with pytest.raises(UserError, match=r"dataset.path: the test images have no labels; set data"):
        read(tmp_path, rows.replace("2.png,1", "2.png,").replace("3.png,0", "3.png,-1"))
    for text in (rows.replace("2.png,1", "2.png,"), rows.replace("2.png,1", "2.png,-1")):
        with pytest.raises(UserError, match=r"labels of the test split .* images labelled -1"):
            check_dataset(read(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n0.png,cat\n", r"does not say which images are for the test; add a column"),
        ("file,class\n0.png,cat\n", r"its first line has file, class; columns path and label are"),
        ("0.png,cat\n", r"its first line has 0.png, cat; columns path and label are needed"),
        ("", r"columns path and label are needed"),
        ("path,label,split\n", r"names no image"),
        ("path,label,split\n0.png,a,train\n1.png,a,dev\n",
         r"no image of the split test or val or validation or valid; column split has 'train', 'd"),
        ("path,label,split\n0.png,a,train\nx/9.png,a,train\n9.png,a,test\n8.png,a,test\n",
         r"1 of 2 files are missing, such as .*x/9.png; paths count from dataset.path"),
        ("path,label,split\n0.png,a,train\n1.png,a,train\n0.png,a,test\n", r"is in both splits"),
        ("path,label,split\n0.png,a,train\n./0.png,a,train\n1.png,a,test\n",
         r"names .*0.png 2 times; leave one line an image"),
        ("path,label,split\n0.png,a,train\n1.png,b,test\n",
         r"test split: 'b' is none of the classes \(they are a\)"),
        ("path,label,split\n\x00,a,train\n1.png,a,test\n", r"labels.csv"),
        ('path,label,split\n"0.png,a,train\n1.png,a,test\n', r"cannot be read \(unexpected end"),
        ("path,label,split\n0.png,caf\xe9,train\n".encode("latin-1"), r"cannot be read .*UTF-8"),
        ("path,label,split\n0.png,a\x1b,train\n1.png,a\x1b,test\n", r"class 'a\\x1b' has a name"),
    ],
)  # fmt: skip
def test_what_no_list_is(tmp_path, text, message):
    write_pictures(tmp_path, *NAMES)
    with pytest.raises(UserError, match=message) as error:
        check_dataset(read(tmp_path, text))
    assert str(error.value).isprintable()


def test_lines_that_are_none(tmp_path):
    path = tmp_path / "val.txt"
    path.write_text("0.png 1\n\n1.png\n")
    with pytest.raises(
        UserError, match=r"val.txt: '1.png' is no line `name label`; write the name"
    ):
        read_rows(path)
