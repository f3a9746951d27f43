"""Who stays, who leaves: a pipeline over a customer table."""
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

RANDOM_STATE = 17
N_SPLITS = 5

table = pd.read_csv('customers.csv', sep=';', nrows=20000)
y = table.pop('left')
numeric = ['age', 'months', 'calls', 'bill']
named = ['plan', 'region']

preparation = ColumnTransformer([
    ('numeric', Pipeline([
        ('fill', SimpleImputer(strategy='median')),
        ('scale', StandardScaler(with_mean=True)),
    ]), numeric),
    ('named', OneHotEncoder(handle_unknown='ignore', min_frequency=20), named),
], sparse_threshold=0)

model = Pipeline([
    ('prepare', preparation),
    ('reduce', PCA(n_components=10, random_state=RANDOM_STATE)),
    ('classify', SVC(
        C=1.0,
        kernel='rbf',
        gamma='scale',
        class_weight='balanced',
        cache_size=500,
        max_iter=-1,
        random_state=RANDOM_STATE,
    )),
])

folds = StratifiedKFold(n_splits=N_SPLITS, shuffle=True, random_state=RANDOM_STATE)
scores = cross_val_score(model, table, y, cv=folds, scoring='roc_auc', n_jobs=2)
print('auc %.4f +- %.4f' % (scores.mean(), scores.std()))
