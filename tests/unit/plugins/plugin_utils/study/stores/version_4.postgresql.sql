-- SPDX-License-Identifier: GPL-3.0-or-later
-- A study of four trials, finished and judged, in a store of format 4.
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.blocks (
    study character varying(100) NOT NULL,
    number integer NOT NULL,
    winner integer NOT NULL,
    "order" character varying(4) NOT NULL,
    slot character varying(255) NOT NULL,
    status character varying(20) NOT NULL
);
CREATE TABLE public.controllers (
    study character varying(100) NOT NULL,
    id character varying(300) NOT NULL,
    host character varying(255) NOT NULL,
    pid integer NOT NULL,
    started character varying(40),
    begun_at character varying(40) NOT NULL,
    seen_at character varying(40) NOT NULL,
    lease_seconds double precision NOT NULL,
    lease_until character varying(40) NOT NULL,
    stopping boolean NOT NULL,
    ended_at character varying(40)
);
CREATE TABLE public.hypervisors (
    study character varying(100) NOT NULL,
    name character varying(255) NOT NULL,
    vcpus integer,
    memory_mib integer,
    other_vcpus integer DEFAULT 0 NOT NULL,
    other_memory_mib integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.measurements (
    id integer NOT NULL,
    study character varying(100) NOT NULL,
    trial integer NOT NULL,
    slot character varying(255) NOT NULL,
    purpose character varying(20) NOT NULL,
    block integer,
    "position" integer,
    status character varying(20) NOT NULL,
    metrics json,
    runs json,
    readback json,
    tier character varying(20),
    failure_class character varying(20),
    message text,
    started_at character varying(40) NOT NULL,
    finished_at character varying(40),
    revision integer DEFAULT 0 NOT NULL,
    controller character varying(300),
    apply_seconds double precision
);
CREATE SEQUENCE public.measurements_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.measurements_id_seq OWNED BY public.measurements.id;
CREATE TABLE public.slots (
    study character varying(100) NOT NULL,
    host character varying(255) NOT NULL,
    status character varying(20) NOT NULL,
    trouble integer NOT NULL,
    waiting boolean NOT NULL,
    message text,
    controller character varying(300),
    hypervisor character varying(255),
    applied json,
    probe_at character varying(40)
);
CREATE TABLE public.studies (
    name character varying(100) NOT NULL,
    definition json NOT NULL,
    harvest json,
    winner integer,
    verdict json,
    stopped json,
    learned json,
    forked_from character varying(100),
    collection_version character varying(40) NOT NULL,
    created_at character varying(40) NOT NULL,
    revision integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.trials (
    study character varying(100) NOT NULL,
    number integer NOT NULL,
    configuration json NOT NULL,
    origin character varying(20) NOT NULL,
    generation integer NOT NULL,
    parents json NOT NULL,
    repeat_of integer,
    status character varying(20) NOT NULL,
    failure_class character varying(20),
    message text,
    created_at character varying(40) NOT NULL,
    revision integer DEFAULT 0 NOT NULL
);
ALTER TABLE ONLY public.measurements ALTER COLUMN id SET DEFAULT nextval('public.measurements_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0004');
INSERT INTO public.blocks VALUES ('small', 0, 4, 'BAAB', 's1', 'complete');
INSERT INTO public.measurements VALUES (1, 'small', 0, 's1', 'baseline', NULL, NULL, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.768+00:00', '2026-11-22T14:47:24.770+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (2, 'small', 0, 's2', 'baseline', NULL, NULL, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.773+00:00', '2026-11-22T14:47:24.775+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (3, 'small', 0, 's1', 'baseline', NULL, NULL, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.776+00:00', '2026-11-22T14:47:24.778+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (4, 'small', 0, 's2', 'baseline', NULL, NULL, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.779+00:00', '2026-11-22T14:47:24.781+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (5, 'small', 1, 's1', 'search', NULL, NULL, 'measured', '{"cpu_events_per_second": 820.7801406277248, "vm_cost": 64.0}', '[{}]', '{"vm.vcpus": 3, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 59, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.808+00:00', '2026-11-22T14:47:24.810+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (6, 'small', 2, 's2', 'search', NULL, NULL, 'measured', '{"cpu_events_per_second": 784.6637475787225, "vm_cost": 164.0}', '[{}]', '{"vm.vcpus": 8, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 17, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.817+00:00', '2026-11-22T14:47:24.819+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (7, 'small', 3, 's1', 'search', NULL, NULL, 'measured', '{"cpu_events_per_second": 706.4520139295633, "vm_cost": 124.0}', '[{}]', '{"vm.vcpus": 6, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 99, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.823+00:00', '2026-11-22T14:47:24.825+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (8, 'small', 4, 's2', 'search', NULL, NULL, 'measured', '{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.828+00:00', '2026-11-22T14:47:24.830+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (9, 'small', 4, 's1', 'verification', 0, 0, 'measured', '{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.840+00:00', '2026-11-22T14:47:24.842+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (10, 'small', 0, 's1', 'verification', 0, 1, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.845+00:00', '2026-11-22T14:47:24.846+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (11, 'small', 0, 's1', 'verification', 0, 2, 'measured', '{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.849+00:00', '2026-11-22T14:47:24.850+00:00', 0, NULL, NULL);
INSERT INTO public.measurements VALUES (12, 'small', 4, 's1', 'verification', 0, 3, 'measured', '{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}', '[{}]', '{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}', 'none', NULL, NULL, '2026-11-22T14:47:24.853+00:00', '2026-11-22T14:47:24.855+00:00', 0, NULL, NULL);
INSERT INTO public.slots VALUES ('small', 's1', 'ready', 0, false, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.slots VALUES ('small', 's2', 'ready', 0, false, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.studies VALUES ('small', '{"name": "small", "parameters": {"vm.vcpus": {"type": "int", "range": [1, 8]}, "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]}, "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]}}, "constraints": ["vm.vcpus >= 2 or vm.disk.cache == ''none''"], "goals": [{"metric": "cpu_events_per_second", "direction": "maximize", "weight": 3}, {"metric": "vm_cost", "direction": "minimize"}], "benchmark": {"name": "sysbench", "tests": ["cpu"]}, "budget": {"trials": 4}, "prices": {"vcpu": 20.0, "memory_gib": 4.0}, "seed": 1, "algorithm": "textbook", "algorithm_options": {"population": 5, "elites": 1}, "baseline_repeats": 3, "verification": {"blocks": 1, "confidence": 0.95, "equivalence": 0.02}, "simulated": false}', '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}', 4, '{"verdict": "better", "sentence": "Better: trial 4 beats the baseline; fitness +10.7 % [+10.7 %, +10.7 %] over the baseline, from 2 pairs of fresh runs in 1 random ABBA blocks.", "trial": 4, "pairs": 2, "blocks": 1, "confidence": 0.95, "fitness": {"estimate": 0.10124999999999984, "low": 0.1012499999910152, "high": 0.10125000000898449}, "metrics": {"cpu_events_per_second": {"baseline": 778.800783071, "winner": 891.366143907, "estimate": 0.1349999999999998, "low": 0.13499999999101514, "high": 0.13500000000898443}, "vm_cost": {"baseline": 44.0, "winner": 44.0, "estimate": 0.0, "low": -8.984643532093753e-12, "high": 8.984643532093753e-12}}}', '{"by": "time", "sentence": "stopped after 2 h"}', NULL, NULL, '0.0.0', '2026-11-22T14:47:24.757+00:00', 0);
INSERT INTO public.trials VALUES ('small', 0, '{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}', 'baseline', 0, '[]', NULL, 'measured', NULL, NULL, '2026-11-22T14:47:24.765+00:00', 0);
INSERT INTO public.trials VALUES ('small', 1, '{"vm.vcpus": 3, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 59}', 'initial', 0, '[]', NULL, 'measured', NULL, NULL, '2026-11-22T14:47:24.806+00:00', 0);
INSERT INTO public.trials VALUES ('small', 2, '{"vm.vcpus": 8, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 17}', 'initial', 0, '[]', NULL, 'measured', NULL, NULL, '2026-11-22T14:47:24.816+00:00', 0);
INSERT INTO public.trials VALUES ('small', 3, '{"vm.vcpus": 6, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 99}', 'initial', 0, '[]', NULL, 'measured', NULL, NULL, '2026-11-22T14:47:24.822+00:00', 0);
INSERT INTO public.trials VALUES ('small', 4, '{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6}', 'initial', 0, '[]', NULL, 'measured', NULL, NULL, '2026-11-22T14:47:24.828+00:00', 0);
SELECT pg_catalog.setval('public.measurements_id_seq', 12, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (study, number);
ALTER TABLE ONLY public.controllers
    ADD CONSTRAINT controllers_pkey PRIMARY KEY (study, id);
ALTER TABLE ONLY public.hypervisors
    ADD CONSTRAINT hypervisors_pkey PRIMARY KEY (study, name);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT measurements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.slots
    ADD CONSTRAINT slots_pkey PRIMARY KEY (study, host);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT studies_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (study, number);
CREATE INDEX measurements_by_revision ON public.measurements USING btree (study, revision);
CREATE INDEX measurements_of_trial ON public.measurements USING btree (study, trial);
CREATE INDEX trials_by_revision ON public.trials USING btree (study, revision);
ALTER TABLE ONLY public.blocks
    ADD CONSTRAINT blocks_study_fkey FOREIGN KEY (study) REFERENCES public.studies(name);
ALTER TABLE ONLY public.controllers
    ADD CONSTRAINT controllers_study_fkey FOREIGN KEY (study) REFERENCES public.studies(name);
ALTER TABLE ONLY public.hypervisors
    ADD CONSTRAINT hypervisors_study_fkey FOREIGN KEY (study) REFERENCES public.studies(name);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT measurements_study_trial_fkey FOREIGN KEY (study, trial) REFERENCES public.trials(study, number);
ALTER TABLE ONLY public.slots
    ADD CONSTRAINT slots_study_fkey FOREIGN KEY (study) REFERENCES public.studies(name);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_study_fkey FOREIGN KEY (study) REFERENCES public.studies(name);
