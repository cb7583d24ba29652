package tfdriver

import (
	"context"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// takeAtOnce takes each step as soon as those are taken that it depends on. Only one step has its turn at a time, and it
// lets others have theirs while it waits for the provider.
func (a *apply) takeAtOnce(ctx context.Context, steps []*step) {
	a.turn = new(sync.Mutex)
	taken := map[*step]chan struct{}{}
	for _, s := range steps {
		taken[s] = make(chan struct{})
	}
	var all sync.WaitGroup
	for i, s := range steps {
		all.Go(func() {
			defer close(taken[s])
			for _, earlier := range s.after {
				// A later step is one of a contradiction: see sorted.
				if slices.Contains(steps[:i], earlier) {
					<-taken[earlier]
				}
			}
			a.turn.Lock()
			defer a.turn.Unlock()
			a.take(ctx, s)
		})
	}
	all.Wait()
}

// turnTaker is a server that lets other steps have their turn during a call.
type turnTaker struct {
	Server
	turn *sync.Mutex
}

// pause ends the caller's turn. The function that it returns waits for the next one.
func (s turnTaker) pause() (resume func()) {
	s.turn.Unlock()
	return s.turn.Lock
}

// ValidateResourceConfig calls the provider's.
func (s turnTaker) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	defer s.pause()()
	return s.Server.ValidateResourceConfig(ctx, req)
}

// PlanResourceChange calls the provider's.
func (s turnTaker) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	defer s.pause()()
	return s.Server.PlanResourceChange(ctx, req)
}

// ApplyResourceChange calls the provider's.
func (s turnTaker) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	defer s.pause()()
	return s.Server.ApplyResourceChange(ctx, req)
}
