# Dyad-years in base R: a logit of the onset of disputes.
#
#   sd-env dyads runs/wars/logs --csv runs/dyads.csv
#   Rscript examples/read_dyads.R runs/dyads.csv
#
# docs/codebook.md says what each column is.

file <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file, stringsAsFactors = TRUE)

# A dispute can begin only where there was none on the turn before. (To drop the turns on which one goes on, and to keep
# that on which it has ended, would choose rows by their outcome.)
chance <- subset(d, peaceyrs > 0 | year == 1)

# As an observer would do it: capabilities, alliance, geography, and years at peace with their square.
seen <- glm(init1 ~ cinc1 + cinc2 + arms1 + arms2 + allied + reach1 + peaceyrs + I(peaceyrs^2),
            family = binomial, data = chance)
print(summary(seen))

# With what only the maker of the data knows: who wants land, and who has reason to fear.
true <- update(seen, . ~ . + revstate1 + fear1)
print(summary(true))
print(anova(seen, true, test = "Chisq"))
