"""Images and labels: readers of data sets, and samples of them."""
