package main

import (
	"context"
	"fmt"
	"io"

	"github.com/nektos/act/pkg/runner"
)

// standIns gives act the folders that stand in for actions, and nothing from anywhere else.
func standIns(folders map[string]string) runner.ActionCache {
	return &runner.LocalRepositoryCache{
		Parent:            nowhere{},
		LocalRepositories: folders,
		CacheDirCache:     map[string]string{},
	}
}

// nowhere is where actions come from that nothing stands in for.
type nowhere struct{}

func (nowhere) Fetch(_ context.Context, name, _, ref, _ string) (string, error) {
	return "", fmt.Errorf("nothing stands in for the action %s@%s", name, ref)
}

func (nowhere) GetTarArchive(_ context.Context, name, ref, _ string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("nothing stands in for the action %s@%s", name, ref)
}
