// Command act-job runs one job of a workflow file, as it is written there, with act's own runner.
//
// act's command gives all jobs of a run the same secrets and variables, and starts every job that
// another one needs. On GitHub a job sees those of its own environment, and waits for that
// environment's reviewers. So here a job runs alone: what ended before it is told, not run again.
//
// It is called with the path of a request, JSON that is its owner's alone because it holds secrets.
// act's log goes out as JSON on standard output, one entry a line; the last line is the outcome.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nektos/act/pkg/common"
	"github.com/nektos/act/pkg/model"
	"github.com/nektos/act/pkg/runner"
	"github.com/sirupsen/logrus"
)

// outcome is what other jobs see of a job as `needs`.
type outcome struct {
	Result  string            `json:"result"`
	Outputs map[string]string `json:"outputs"`
}

type request struct {
	// Workflow is the path of the file; Repository the clone that it is in.
	Workflow   string `json:"workflow"`
	Repository string `json:"repository"`
	// Job is its key in the file.
	Job string `json:"job"`
	// Finished are the jobs that ended before it, by their keys.
	Finished map[string]outcome `json:"finished"`
	// Label of the runner that the job asks for: this machine.
	Label string `json:"label"`
	// Event is the name of what started the run; Payload the path of a file that describes it.
	Event   string `json:"event"`
	Payload string `json:"payload"`
	Actor   string `json:"actor"`
	// Work is an empty folder for the job's files.
	Work string `json:"work"`
	// Actions are folders that stand in for actions, by `owner/name@ref`.
	Actions        map[string]string `json:"actions"`
	Env            map[string]string `json:"env"`
	Secrets        map[string]string `json:"secrets"`
	Variables      map[string]string `json:"variables"`
	TimeoutMinutes int               `json:"timeout_minutes"`
}

func main() {
	ended, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]outcome{"outcome": ended}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (outcome, error) {
	asked, err := read(os.Args)
	if err != nil {
		return outcome{}, fmt.Errorf("the request is not valid: %w", err)
	}
	logrus.SetFormatter(&logrus.JSONFormatter{})

	planner, err := model.NewWorkflowPlanner(asked.Workflow, true, true)
	if err != nil {
		return outcome{}, err
	}
	plan, err := planner.PlanJob(asked.Job)
	if err != nil {
		return outcome{}, err
	}
	// What the job needs comes in the stages before its own.
	alone := &model.Plan{Stages: plan.Stages[len(plan.Stages)-1:]}
	chosen := alone.Stages[0].Runs[0]
	for key, done := range asked.Finished {
		job := chosen.Workflow.GetJob(key)
		job.Result, job.Outputs = done.Result, done.Outputs
	}

	engine, err := runner.New(&runner.Config{
		Workdir:        asked.Repository,
		EventName:      asked.Event,
		EventPath:      asked.Payload,
		Actor:          asked.Actor,
		ActionCacheDir: asked.Work,
		ActionCache:    standIns(asked.Actions),
		// Each step's output is part of the log, and checking out is a step like any other.
		LogOutput:      true,
		JSONLogger:     true,
		NoSkipCheckout: true,
		AutoRemove:     true,
		GitHubInstance: "github.com",
		Platforms:      map[string]string{asked.Label: "-self-hosted"},
		Env:            asked.Env,
		Secrets:        asked.Secrets,
		Vars:           asked.Variables,
		Token:          asked.Secrets["GITHUB_TOKEN"],
	})
	if err != nil {
		return outcome{}, err
	}

	interrupted, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	limit := time.Duration(asked.TimeoutMinutes) * time.Minute
	ctx, cancel := context.WithTimeout(interrupted, limit)
	defer cancel()
	failure := engine.NewPlanExecutor(alone)(common.WithDryrun(ctx, false))
	return ending(chosen.Job(), failure)
}

func read(arguments []string) (request, error) {
	var asked request
	if len(arguments) != 2 {
		return asked, errors.New("its path is the one argument")
	}
	file, err := os.Open(arguments[1])
	if err != nil {
		return asked, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	return asked, decoder.Decode(&asked)
}

// ending tells a job that failed, which is an outcome, from one that act could not run.
func ending(job *model.Job, failure error) (outcome, error) {
	outputs := map[string]string{}
	switch job.Result {
	case "success", "failure":
		maps.Copy(outputs, job.Outputs)
		return outcome{job.Result, outputs}, nil
	case "skipped":
		return outcome{job.Result, outputs}, nil
	}
	if failure == nil {
		failure = fmt.Errorf("act has no runner for the job %q", job.Name)
	}
	return outcome{}, failure
}
