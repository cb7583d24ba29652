package main

import (
	"testing"
	"time"
)

func TestMedian_OfOddAndEven(t *testing.T) {
	for _, test := range []struct {
		values []int
		want   int
	}{
		{[]int{7}, 7},
		{[]int{9, 1, 4}, 4},
		{[]int{4, 10, 2, 8}, 6},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v is %d, want %d", test.values, got, test.want)
		}
	}
}

// took returns one sample for each run, with the time of its apply.
func took(seconds ...int) []sample {
	var samples []sample
	for _, s := range seconds {
		samples = append(samples, sample{"apply": {spent: spent{wall: time.Duration(s) * time.Second}}})
	}
	return samples
}

func TestRatio_ComparesRuns(t *testing.T) {
	for name, test := range map[string]struct {
		samples, baseline []sample
		want              float64
		known             bool
	}{
		// The medians' ratio would be 2.
		"of the same run":   {took(10, 20, 60), took(5, 10, 60), 2, true},
		"drift":             {took(10, 40, 90), took(10, 20, 30), 2, true},
		"once":              {took(30), took(10, 1000, 1000), 3, true},
		"baseline once":     {took(30, 1, 1), took(10), 3, true},
		"no baseline":       {took(30), nil, 0, false},
		"no sample":         {nil, took(30), 0, false},
		"nothing to divide": {took(30), took(0), 0, false},
	} {
		got, known := ratio(test.samples, test.baseline, "apply", wall)
		if got != test.want || known != test.known {
			t.Errorf("%s: got %v, %t, want %v, %t", name, got, known, test.want, test.known)
		}
	}
}

func TestCPUTime_AddsTerraformAndProviders(t *testing.T) {
	f := figures{spent: spent{terraform: usage{cpu: 3 * time.Second}, provider: usage{cpu: time.Second}, servers: time.Hour}}
	if got := cpuTime(f); got != 4*time.Second {
		t.Errorf("got %v, want 4s", got)
	}
}
