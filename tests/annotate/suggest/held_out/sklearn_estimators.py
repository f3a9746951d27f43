"""News groups with scikit-learn: words to counts, counts to classes, three voters."""

from sklearn.datasets import fetch_20newsgroups
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

categories = ["sci.med", "sci.space", "rec.autos", "talk.politics.misc"]
train = fetch_20newsgroups(subset="train", categories=categories, random_state=0)
test = fetch_20newsgroups(subset="test", categories=categories)

words = TfidfVectorizer(
    lowercase=True,
    ngram_range=(1, 2),
    min_df=3,
    max_df=0.5,
    max_features=50_000,
    sublinear_tf=True,
)
linear = LogisticRegression(C=10, max_iter=1000, solver="liblinear")
forest = RandomForestClassifier(
    n_estimators=300,
    criterion="gini",
    max_depth=None,
    max_features="sqrt",
    min_samples_leaf=2,
    n_jobs=-1,
    random_state=0,
)
network = MLPClassifier(
    hidden_layer_sizes=(100,),
    activation="relu",
    alpha=0.0001,
    learning_rate_init=0.001,
    batch_size=64,
    early_stopping=True,
    max_iter=30,
    random_state=0,
    tol=1e-4,
    verbose=False,
)
vote = VotingClassifier(
    [("linear", linear), ("forest", forest), ("network", network)],
    voting="soft",
    n_jobs=1,
)
model = make_pipeline(words, vote)
model.fit(train.data, train.target)
score = f1_score(test.target, model.predict(test.data), average="macro")
print(f"f1 {score:.4f}")
