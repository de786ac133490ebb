#!/bin/sh
# Prints the licences and notices of everything that the built file holds.
set -eu
for package in echarts zrender tslib @dagrejs/dagre; do
  version=$(node -p "require('./node_modules/$package/package.json').version")
  echo "================ $package $version ================"
  for file in LICENSE LICENSE.txt NOTICE licenses/LICENSE-d3; do
    if [ -f "node_modules/$package/$file" ]; then
      echo
      cat "node_modules/$package/$file"
    fi
  done
done
