# A repository of five commits, the same on every machine: a network is made, widened, broken, mended and renamed.
set -eu
unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
git init -q -b main
git config user.name Ada
git config user.email ada@example.org
git config commit.gpgsign false
day=1
save() {
  day=$((day + 7))
  GIT_AUTHOR_DATE="2026-01-$(printf %02d $day)T12:00:00Z"
  GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
  export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
  git add "$2" "${3:-$2}"
  git commit -q -m "$1"
}
net() {
  printf 'name: Net\ninput: [N, 3, 32, 32]\nlayers:\n'
  printf '  - conv: {filters: %s, kernel: 3, pad: same}\n  - relu\n' "$@"
  printf '  - global_avg_pool\n  - flatten\n  - linear: {units: 10}\n'
}
net 16 32 > net.yaml
save 'A first network' net.yaml
net 32 32 > net.yaml
save 'Twice the filters' net.yaml
mkdir models
git mv net.yaml models/net.yaml
printf 'models: [models/*.yaml]\nlimits: {macs: 12M}\n' > costcalc.yaml
save 'Models have a folder' models costcalc.yaml
printf 'layers: [\n' > models/net.yaml
day=$((day - 5))
save 'Half saved' models
net 32 32 64 > models/net.yaml
day=$((day - 5))
save 'A third convolution' models
