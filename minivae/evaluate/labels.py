"""How well few labels teach the classes, with and without what a model has learned from all rows."""

import numpy as np

from ..data.splits import few_labels


def errors_of_few(features, y_train, test, y_test, N, draws=5):
    """Errors (draws,) on a test split, in percent, of support vector machines that each learn from N labels.

    `features` gives (N, n) of indices of training rows, `test` (M, n) are those of the test split. Which labels are
    kept is drawn as for a training run of the seeds 0, 1, ..: as many of each class.
    """
    from sklearn.svm import SVC

    errors = []
    for seed in range(draws):
        rows = np.flatnonzero(few_labels(y_train, N, seed) >= 0)
        machine = SVC(C=10).fit(features(rows), y_train[rows])  # a Gaussian kernel as wide as the features vary
        errors.append(100 * float(np.mean(machine.predict(test) != y_test)))
    return np.array(errors)


def confusion(y, predicted, count):
    """(count, count): how many rows of class i are taken for class j."""
    table = np.zeros((count, count), "int64")
    np.add.at(table, (y, predicted), 1)
    return table
