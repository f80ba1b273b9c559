#!/bin/sh
# Everything that `sag bench tasks` compares and that has to be searched or trained first, as it was done for
# models/pick_release (about 2 h on two cores). Each command can be interrupted and goes on where it was.
#   sh bench/methods.sh [demonstrations] [bundle]
set -eu
data=${1:-data/pick_release.zarr}
bundle=${2:-models/pick_release}
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive

pruner() { # name of the output folder, options
    folder=$1
    shift
    sag train pruner --data "$data" --bundle "$bundle" --out "out/train/$folder" --threads 1 \
        --loop.iterations 0 --distil.batch 64 "$@"
}
schedule() {
    sag search schedule --data "$data" --bundle "$bundle" "$@"
}

# Sparse ActionGen at other densities
pruner sag5 --name sag5 --density 0.05 --search.proposals 800 --search.group-proposals 100
pruner sag9 --name sag9 --density 0.09 --search.proposals 720 --search.group-proposals 50
pruner sag20 --name sag20 --density 0.2 --search.proposals 150 --search.group-proposals 25
pruner sag50 --name sag50 --density 0.5 --search.proposals 60 --search.groups 0

# its ablations: caches of each block's own, a budget for each block, one mask for all observations; and a pruner
# that chooses one of the searched schedules
pruner sag_block --name sag_block --reuse block --density 0.035 --search.proposals 2500 \
    --search.group-proposals 300 --distil.batch 128
pruner sag_budget --name sag_budget --budget block --density 0.04 --search.proposals 1200 \
    --search.group-proposals 80
schedule --method mean
schedule --method mean --sampler ddim50
pruner sag_choice --name sag_choice --choose --search.proposals 665 --search.group-proposals 250

# on fewer steps
pruner ddim30 --name sag --sampler ddim30 --density 0.09 --search.proposals 2500 --search.group-proposals 300 \
    --distil.batch 128
pruner ddim50 --name sag --sampler ddim50 --density 0.055 --search.proposals 500 --search.group-proposals 80
pruner ddim10 --name sag --sampler ddim10 --density 0.22 --minutes 1.5
pruner ddim10_block --name sag_block --reuse block --sampler ddim10 --density 0.25 --search.proposals 1000 \
    --search.group-proposals 300 --distil.batch 128
pruner ddim30_block --name sag_block --reuse block --sampler ddim30 --density 0.085 --search.proposals 300 \
    --search.group-proposals 60

# static schedules of other papers
for density in 0.03 0.05 0.09 0.2 0.5; do
    schedule --method bac --density $density
    schedule --method evo --density $density --minutes 3 # .03, .2, .5: 1.2 minutes
done
for density in "" "--router.density 0.5" "--router.density 0.2" "--router.density 0.09"; do
    # One training; the others only cut it elsewhere.
    sag train schedule --data "$data" --bundle "$bundle" --threads 1 --router.no-recompute \
        --router.loop.iterations 52 --router.loop.batch 2 --router.loop.learning-rate 0.4 $density
done

# other samplers, with weights of their own (18 MB each, not part of the repository)
sag train consistency --data "$data" --bundle "$bundle" --output out/consistency --threads 1 \
    --loop.iterations 900
sag train consistency --data "$data" --bundle "$bundle" --output out/consistency --threads 1 \
    --loop.iterations 1800 --minutes 15
sag train streaming --data "$data" --bundle "$bundle" --output out/streaming --threads 1 \
    --loop.iterations 1700 --minutes 35
